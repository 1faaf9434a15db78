# Writes the services' configuration files. Sourced by openstack.sh.
MESSAGES="rabbit://guest:guest@127.0.0.1:$QUEUE_PORT/"

as_service() { # section user: how a service signs in
  cat <<X
[$1]
auth_url = http://127.0.0.1:5000
auth_type = password
project_domain_name = Default
user_domain_name = Default
project_name = service
region_name = RegionOne
username = $2
password = $PASSWORD
X
}
checks_tokens() { # user: how a service checks the tokens that it is sent
  as_service keystone_authtoken "$1"
  echo "www_authenticate_uri = http://127.0.0.1:5000"
  echo "service_token_roles_required = true"
}
encrypts() { # one fixed key, in place of a key manager
  cat <<X
[key_manager]
backend = $1.keymgr.conf_key_mgr.ConfKeyManager
fixed_key = 5a4e9b8c1d2f3e6a7b8c9d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c
X
}

cat >"$ETC/keystone.conf" <<X
[DEFAULT]
log_file = $LOG/keystone-api.log
[database]
connection = $(database keystone)
[cache]
enabled = true
backend = dogpile.cache.memory
[token]
provider = fernet
[fernet_tokens]
key_repository = $HOME_DIR/fernet/
[credential]
key_repository = $HOME_DIR/fernet-credentials/
[oslo_policy]
enforce_scope = false
X
cat >"$ETC/glance-api.conf" <<X
[DEFAULT]
bind_host = 127.0.0.1
bind_port = 9292
workers = 0
enabled_backends = fs:file
node_staging_uri = file://$HOME_DIR/state/glance-staging
[database]
connection = $(database glance)
[glance_store]
default_backend = fs
[fs]
filesystem_store_datadir = $HOME_DIR/images
[paste_deploy]
flavor = keystone
config_file = $ROOT/usr/share/glance-common/glance-api-paste.ini
[oslo_concurrency]
lock_path = $HOME_DIR/lock
[oslo_policy]
enforce_scope = false
$(checks_tokens glance)
X
cat >"$ETC/placement.conf" <<X
[DEFAULT]
log_file = $LOG/placement-api.log
[placement_database]
connection = $(database placement)
[api]
auth_strategy = keystone
[oslo_policy]
enforce_scope = false
$(checks_tokens placement)
X
cat >"$ETC/neutron.conf" <<X
[DEFAULT]
bind_host = 127.0.0.1
bind_port = 9696
core_plugin = ml2
service_plugins = router
transport_url = $MESSAGES
report_interval = 3
graceful_shutdown_timeout = 3
api_workers = 2
rpc_workers = 0
pagination_max_limit = 50
state_path = $HOME_DIR/state/neutron
api_paste_config = $ROOT/usr/share/neutron-common/api-paste.ini
notify_nova_on_port_status_changes = true
notify_nova_on_port_data_changes = false
dhcp_agent_notification = false
[database]
connection = $(database neutron)
[oslo_concurrency]
lock_path = $HOME_DIR/lock
[quotas]
quota_driver = neutron.db.quota.driver_nolock.DbQuotaNoLockDriver
quota_network = -1
quota_subnet = -1
quota_port = -1
quota_router = -1
quota_floatingip = -1
quota_security_group = -1
quota_security_group_rule = -1
[ml2]
type_drivers = local,flat,vlan,geneve
tenant_network_types = local
mechanism_drivers = bindall
extension_drivers = port_security
[ml2_type_flat]
flat_networks = *
[ml2_type_vlan]
network_vlan_ranges = physnet1:1000:2999
$(checks_tokens neutron)
$(as_service nova nova)
X
cat >"$ETC/nova.conf" <<X
[DEFAULT]
host = one-compute
my_ip = 127.0.0.1
transport_url = $MESSAGES
report_interval = 3
graceful_shutdown_timeout = 3
compute_driver = filled.Driver
state_path = $HOME_DIR/state/nova
instances_path = $HOME_DIR/state/nova/instances
enabled_apis = osapi_compute
osapi_compute_listen = 127.0.0.1
osapi_compute_workers = 1
use_neutron = true
allow_resize_to_same_host = true
vif_plugging_is_fatal = false
vif_plugging_timeout = 0
heal_instance_info_cache_interval = -1
sync_power_state_interval = -1
rootwrap_config = /dev/null
[quota]
instances = -1
cores = -1
ram = -1
key_pairs = 500
[wsgi]
api_paste_config = $ROOT/usr/share/nova-common/api-paste.ini
[api]
auth_strategy = keystone
max_limit = 50
[api_database]
connection = $(database nova_api)
[database]
connection = $(database nova)
[conductor]
workers = 1
[scheduler]
workers = 1
discover_hosts_in_cells_interval = 20
[filter_scheduler]
enabled_filters = ComputeFilter,ImagePropertiesFilter
[workarounds]
enable_numa_live_migration = false
[glance]
api_servers = http://127.0.0.1:9292
[cinder]
os_region_name = RegionOne
catalog_info = volumev3:cinderv3:publicURL
[oslo_concurrency]
lock_path = $HOME_DIR/lock
[vnc]
enabled = false
[oslo_policy]
enforce_scope = false
$(encrypts nova)
$(checks_tokens nova)
$(as_service placement placement)
$(as_service service_user nova)
send_service_user_token = true
$(as_service neutron neutron)
X
# the compute service must not see the databases: it would refuse to start
awk '/^\[/{skip=($0=="[database]"||$0=="[api_database]")} !skip' "$ETC/nova.conf" >"$ETC/nova-compute.conf"
cat >"$ETC/cinder.conf" <<X
[DEFAULT]
my_ip = 127.0.0.1
host = one-disk
transport_url = $MESSAGES
report_interval = 3
graceful_shutdown_timeout = 3
osapi_volume_listen = 127.0.0.1
osapi_volume_workers = 1
osapi_max_limit = 50
enabled_backends = fake,west
default_volume_type = __DEFAULT__
glance_api_servers = http://127.0.0.1:9292
state_path = $HOME_DIR/state/cinder
api_paste_config = $ROOT/usr/share/cinder-common/api-paste.ini
rootwrap_config = $ROOT/etc/cinder/rootwrap.conf
auth_strategy = keystone
quota_volumes = -1
quota_snapshots = -1
quota_gigabytes = -1
[fake]
volume_driver = nodisk.Driver
volume_backend_name = fake
[west]
volume_driver = nodisk.Driver
volume_backend_name = west
backend_availability_zone = west
[database]
connection = $(database cinder)
[oslo_concurrency]
lock_path = $HOME_DIR/lock
$(encrypts cinder)
$(checks_tokens cinder)
X
mkdir -p "$HOME_DIR"/state/{neutron,cinder,glance-staging} "$HOME_DIR/state/nova/instances"
# the three pieces that are not upstream's: upstream binds a port only where an agent runs on the host, its fake disk
# can neither grow nor change its type, and its fake hypervisor puts nothing into an image of a server
mkdir -p "$HOME_DIR/plugin/bindall-1.0.dist-info"
printf 'Metadata-Version: 2.1\nName: bindall\nVersion: 1.0\n' >"$HOME_DIR/plugin/bindall-1.0.dist-info/METADATA"
printf '[neutron.ml2.mechanism_drivers]\nbindall = bindall:Driver\n' \
  >"$HOME_DIR/plugin/bindall-1.0.dist-info/entry_points.txt"
cat >"$HOME_DIR/plugin/bindall.py" <<X
from neutron_lib.plugins.ml2 import api


class Driver(api.MechanismDriver):
    """Binds every port at once."""

    def initialize(self):
        pass

    def bind_port(self, context):
        for segment in context.segments_to_bind:
            context.set_binding(segment[api.ID], "bridge", {"port_filter": True}, status="ACTIVE")
            return

    def filter_hosts_with_segment_access(self, context, segments, candidate_hosts, agent_getter):
        return set(candidate_hosts)
X
cat >"$HOME_DIR/plugin/nodisk.py" <<X
from cinder.tests.fake_driver import FakeLoggingVolumeDriver


class Driver(FakeLoggingVolumeDriver):
    """Does nothing, and says that it went well."""

    def extend_volume(self, volume, new_size):
        pass

    def retype(self, context, volume, new_type, diff, host):
        return True
X
cat >"$HOME_DIR/plugin/filled.py" <<X
import io

from nova.image import glance
from nova.virt import fake


class Driver(fake.FakeDriver):
    """Puts an empty disk into an image of a server, in the requests that libvirt's driver makes."""

    def snapshot(self, context, instance, image_id, update_task_state):
        super().snapshot(context, instance, image_id, update_task_state)
        images = glance.API()
        told = {
            "name": images.get(context, image_id)["name"],
            "status": "active",
            "disk_format": "raw",
            "container_format": "bare",
            "properties": {"image_location": "snapshot", "image_state": "available", "owner_id": instance.project_id},
        }
        images.update(context, image_id, told, io.BytesIO(bytes(65536)))
X
