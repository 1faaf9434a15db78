#!/bin/bash
# A real OpenStack on loopback, from Debian 12's packages, without systemd: keystone, glance, placement, nova, neutron,
# cinder, with MariaDB and RabbitMQ of its own. API, scheduler, quotas and policy are upstream's; the hypervisor and
# the disks are upstream's fakes, and no packet flows. Running it again starts only what is missing.
#
#   openstack.sh up|down|status|wipe      everything it writes lies in $OPENSTACK_HOME
#   openstack.sh with COMMAND…            up, then the command, then down: its exit status is the command's
#
# The packages are only installed if INSTALL=yes; else it exits with 3 where one is absent.
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
HOME_DIR=${OPENSTACK_HOME:?the folder that everything is written to}
PASSWORD=secret ROOT=$HOME_DIR/root LOG=$HOME_DIR/log RUN=$HOME_DIR/run ETC=$HOME_DIR/etc
DATABASE_PORT=13306 QUEUE_PORT=13672
CALLERS=("PATH=$PATH" "PYTHONPATH=${PYTHONPATH:-}")
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
unset PYTHONHOME PYTHONPATH 2>/dev/null || true
SERVICES="cinder-volume cinder-scheduler cinder-api nova-api nova-compute nova-scheduler nova-conductor neutron glance
  placement keystone rabbit epmd mariadb"
PACKAGES="python3-keystone python3-glance python3-placement python3-nova python3-neutron python3-cinder uwsgi-core
  uwsgi-plugin-python3 rabbitmq-server mariadb-server python3-pymysql"
BEGAN=$(date +%s)
STARTED=

say() { echo "[$(($(date +%s) - BEGAN)) s] $*"; }
runs() { [ -e "/proc/$1" ] && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; } # one that ended may not be reaped yet
alive() { [ -s "$RUN/$1.pid" ] && runs "$(cat "$RUN/$1.pid")"; }

start() { # name command…: each in a process group of its own, so that it can be ended with its children
  local name=$1; shift
  alive "$name" && return 0
  STARTED=yes
  say "start $name"
  setsid "$@" >>"$LOG/$name.log" 2>&1 </dev/null &
  echo $! >"$RUN/$name.pid"
}

wait_for_port() {
  for _ in $(seq 240); do (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0; sleep .5; done
  say "port $1 never opened"; return 1
}

stop() {
  for name in $SERVICES; do
    case $name in rabbit | epmd | mariadb) continue ;; esac
    if alive "$name"; then kill -TERM -- "-$(cat "$RUN/$name.pid")" 2>/dev/null || true; fi
  done
  sleep 1
  for name in $SERVICES; do
    if alive "$name"; then
      pid=$(cat "$RUN/$name.pid")
      kill -TERM -- "-$pid" 2>/dev/null || true
      for _ in $(seq 40); do runs "$pid" || break; sleep .25; done
      kill -KILL -- "-$pid" 2>/dev/null || true
    fi
    rm -f "$RUN/$name.pid"
  done
}

case ${1:-up} in
  down) stop; exit ;;
  wipe) stop; for part in mysql rabbit etc state images fernet fernet-credentials lock done; do
      rm -rf "${HOME_DIR:?}/$part"; done; exit ;;
  status) for name in $SERVICES; do alive "$name" && echo "$name up" || echo "$name down"; done; exit ;;
  up) ;;
  with) trap stop EXIT ;;
  *) echo "usage: $0 up|down|status|wipe|with COMMAND…" >&2; exit 2 ;;
esac
mkdir -p "$LOG" "$RUN" "$ETC" "$ROOT" "$HOME_DIR"/{images,debs,lock,state,done}
done_once() { [ -e "$HOME_DIR/done/$1" ]; }
mark_done() { touch "$HOME_DIR/done/$1"; }

# -- packages
if ! dpkg -s $PACKAGES >/dev/null 2>&1; then
  if [ "${INSTALL:-no}" != yes ]; then echo "Debian's packages of OpenStack are absent: run with INSTALL=yes" >&2; exit 3; fi
  say "install the packages"
  apt-get install -y --no-install-recommends $PACKAGES >"$LOG/apt.log" 2>&1
fi
if [ ! -e "$ROOT/usr/bin/nova-manage" ]; then # the programs: unpacked only, so that no user and no service is made
  (cd "$HOME_DIR/debs" && apt-get download nova-common neutron-common glance-common cinder-common >/dev/null 2>&1 &&
    for package in *.deb; do dpkg-deb -x "$package" "$ROOT"; done)
fi

# -- database and queue
if [ ! -d "$HOME_DIR/mysql/mysql" ]; then
  mkdir -p "$HOME_DIR/mysql"
  mariadb-install-db --no-defaults --user=root --datadir="$HOME_DIR/mysql" --auth-root-authentication-method=normal \
    --skip-test-db >"$LOG/mysql-init.log" 2>&1
fi
start mariadb mariadbd --no-defaults --user=root --datadir="$HOME_DIR/mysql" --socket="$RUN/my.sock" \
  --pid-file="$RUN/my.pid" --port=$DATABASE_PORT --bind-address=127.0.0.1 --skip-log-bin \
  --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=128M --max-connections=400 \
  --character-set-server=utf8mb3 --performance-schema=off
mkdir -p "$HOME_DIR/rabbit" "$LOG/rabbit"
[ -e "$HOME_DIR/rabbit/plugins" ] || echo '[].' >"$HOME_DIR/rabbit/plugins"
start epmd epmd -address 127.0.0.1 -port 14369 # else Erlang starts one that outlives it
wait_for_port 14369
start rabbit env HOME="$HOME_DIR/rabbit" RABBITMQ_NODENAME=orchestra@localhost RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 \
  RABBITMQ_NODE_PORT=$QUEUE_PORT RABBITMQ_DIST_PORT=$((QUEUE_PORT + 20000)) \
  RABBITMQ_MNESIA_BASE="$HOME_DIR/rabbit/mnesia" RABBITMQ_LOG_BASE="$LOG/rabbit" RABBITMQ_CONF_ENV_FILE=/dev/null \
  RABBITMQ_ENABLED_PLUGINS_FILE="$HOME_DIR/rabbit/plugins" ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT=14369 \
  RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}' /usr/lib/rabbitmq/bin/rabbitmq-server
wait_for_port $DATABASE_PORT
if ! done_once database; then
  {
    for name in keystone glance placement nova_api nova nova_cell0 neutron cinder; do
      echo "create database if not exists $name character set utf8mb3;"
    done
    for host in 127.0.0.1 localhost; do
      echo "create user if not exists os@'$host' identified by '$PASSWORD'; grant all on *.* to os@'$host';"
    done
  } | mariadb --no-defaults -uroot --socket="$RUN/my.sock"
  mark_done database
fi

# -- configuration
database() { echo "mysql+pymysql://os:$PASSWORD@127.0.0.1:$DATABASE_PORT/$1"; }
. "$HERE/configuration.sh"

# -- keystone
export OS_KEYSTONE_CONFIG_DIR=$ETC
if ! done_once keystone; then
  say "keystone's database"
  manage="keystone-manage --config-file $ETC/keystone.conf"
  mkdir -p "$HOME_DIR/fernet" "$HOME_DIR/fernet-credentials"
  $manage db_sync
  $manage fernet_setup --keystone-user root --keystone-group root
  $manage credential_setup --keystone-user root --keystone-group root
  $manage bootstrap --bootstrap-password $PASSWORD --bootstrap-admin-url http://127.0.0.1:5000/v3/ \
    --bootstrap-internal-url http://127.0.0.1:5000/v3/ --bootstrap-public-url http://127.0.0.1:5000/v3/ \
    --bootstrap-region-id RegionOne
  mark_done keystone
fi >>"$LOG/init.log" 2>&1
WSGI="uwsgi --plugins-dir /usr/lib/uwsgi/plugins --plugin python3 --master --die-on-term --no-orphans --lazy-apps
  --enable-threads --processes 1 --threads 8 --buffer-size 65535 --rem-header Content-Length"
start keystone env OS_KEYSTONE_CONFIG_DIR="$ETC" $WSGI --http-socket 127.0.0.1:5000 \
  --wsgi-file /usr/bin/keystone-wsgi-public --pyargv "--config-file=$ETC/keystone.conf"

# -- databases of the others
if ! done_once schemas; then
  say "the other databases"
  "$ROOT/usr/bin/glance-manage" --config-file "$ETC/glance-api.conf" db_sync
  placement-manage --config-file "$ETC/placement.conf" db sync
  "$ROOT/usr/bin/neutron-db-manage" --config-file "$ETC/neutron.conf" upgrade heads
  "$ROOT/usr/bin/cinder-manage" --config-file "$ETC/cinder.conf" db sync
  manage="$ROOT/usr/bin/nova-manage --config-file $ETC/nova.conf"
  $manage api_db sync
  $manage cell_v2 map_cell0 --database_connection "$(database nova_cell0)"
  $manage db sync
  $manage cell_v2 list_cells | grep -q ' cell1 ' || $manage cell_v2 create_cell --name=cell1
  mark_done schemas
fi >>"$LOG/init.log" 2>&1
wait_for_port 5000
wait_for_port $QUEUE_PORT
if ! done_once users; then say "users and endpoints"; /usr/bin/python3 "$HERE/seed.py" users; mark_done users; fi

# -- services
program() { # name module: what the package's own script would do; nova looks for drivers in its own package only
  local more=; [ "$1" = nova-compute ] && more="import nova.virt; nova.virt.__path__.append('$HOME_DIR/plugin'); "
  echo "import sys; ${more}sys.argv[0] = '$1'; from $2 import main; sys.exit(main())"
}
start placement env OS_PLACEMENT_CONFIG_DIR="$ETC" $WSGI --http-socket 127.0.0.1:8778 \
  --wsgi-file /usr/bin/placement-api
start glance /usr/bin/python3 -c "$(program glance-api glance.cmd.api)" --config-file "$ETC/glance-api.conf"
start neutron env PYTHONPATH="$HOME_DIR/plugin" "$ROOT/usr/bin/neutron-server" --config-file "$ETC/neutron.conf"
for part in conductor scheduler compute api; do
  file=nova; [ $part = compute ] && file=nova-compute
  start nova-$part /usr/bin/python3 -c "$(program nova-$part nova.cmd.$part)" --config-file "$ETC/$file.conf"
done
for part in scheduler volume api; do
  start cinder-$part env PYTHONPATH="$HOME_DIR/plugin" /usr/bin/python3 -c "$(program cinder-$part cinder.cmd.$part)" --config-file "$ETC/cinder.conf"
done
for port in 8778 9292 9696 8774 8776; do wait_for_port $port; done
if ! done_once things; then say "flavors, images, volume types, external network"
  /usr/bin/python3 "$HERE/seed.py" things; mark_done things; fi
/usr/bin/python3 "$HERE/seed.py" wait "${STARTED:+$BEGAN}"
if ! done_once hosts; then
  "$ROOT/usr/bin/nova-manage" --config-file "$ETC/nova.conf" cell_v2 discover_hosts >>"$LOG/init.log" 2>&1
  mark_done hosts
fi
say "up: http://127.0.0.1:5000/v3"
if [ "${1:-up}" = with ]; then
  shift
  env "${CALLERS[@]}" OPENSTACK_HOME="$HOME_DIR" "$@"
fi
