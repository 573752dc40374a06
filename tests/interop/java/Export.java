// yavijava, unmodified: an inventory, a snapshot, power, a lease and its descriptor. The machine's name is the argument;
// where and as whom stands in the environment that `twohop serve` prints.

import com.vmware.vim25.*;
import com.vmware.vim25.mo.*;
import java.net.URL;

public class Export {
    public static void main(String[] arguments) throws Exception {
        String base = System.getenv("TWOHOP_VCENTER_URL");
        ServiceInstance service = new ServiceInstance(
            new URL(base + "/sdk"), System.getenv("TWOHOP_USER"), System.getenv("TWOHOP_PASSWORD"), true);
        say("product", service.getAboutInfo().getFullName());
        InventoryNavigator inventory = new InventoryNavigator(service.getRootFolder());
        for (String type : new String[] {"VirtualMachine", "HostSystem", "Datastore", "Network", "Datacenter"}) {
            for (ManagedEntity each : inventory.searchManagedEntities(type)) {
                say(type, each.getName() + " " + each.getOverallStatus());
            }
        }
        HostSystem host = (HostSystem) inventory.searchManagedEntities("HostSystem")[0];
        say("host", host.getConfig().getProduct().getApiType() + " " + host.getHardware().getCpuPkg().length);

        VirtualMachine vm = (VirtualMachine) inventory.searchManagedEntity("VirtualMachine", arguments[0]);
        say("devices", vm.getConfig().getHardware().getDevice().length);
        say("snapshot", vm.createSnapshot_Task("s", "", false, false).waitForTask());
        say("removed", vm.removeAllSnapshots_Task().waitForTask());

        HttpNfcLease lease = vm.exportVm();
        while (lease.getState() == HttpNfcLeaseState.initializing) {
            Thread.yield();
        }
        say("lease", lease.getState());
        say("disk", lease.getInfo().getDeviceUrl()[0].getTargetId());
        lease.httpNfcLeaseProgress(50);
        OvfCreateDescriptorParams params = new OvfCreateDescriptorParams();
        params.setOvfFiles(new OvfFile[0]);
        say("descriptor", service.getOvfManager().createDescriptor(vm, params).getOvfDescriptor().length());
        lease.httpNfcLeaseComplete();
        say("on", vm.powerOnVM_Task(null).waitForTask());
        say("off", vm.powerOffVM_Task().waitForTask());

        say("events", service.getEventManager().queryEvents(new EventFilterSpec()).length);
        say("counters", service.getPerformanceManager().getPerfCounter().length);
        service.getServerConnection().logout();
    }

    private static void say(String what, Object value) {
        System.out.println(what + ": " + value);
    }
}
