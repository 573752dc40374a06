"""Stories about reads of properties."""

from __future__ import annotations

from contracts.stories import breaks, keeps, leaves_open


def retrieve(wire, asked, shown, *, method="RetrievePropertiesEx", every=False, typed=True, **more):
    """Ask for paths of one machine, and be shown others, by path and text."""
    paths = "".join(f"<pathSet>{path}</pathSet>" for path in asked)
    spec = (
        f"<specSet><propSet><type>VirtualMachine</type><all>{str(every).lower()}</all>{paths}</propSet>"
        '<objectSet><obj type="VirtualMachine">vm-1</obj></objectSet></specSet>'
    )
    kind = ' xsi:type="xsd:string"' if typed else ""
    rows = "".join(f"<propSet><name>{path}</name><val{kind}>{text}</val></propSet>" for path, text in shown)
    content = f'<obj type="VirtualMachine">vm-1</obj>{rows}'
    whole = method == "RetrievePropertiesEx"
    result = f"<returnval>{f'<objects>{content}</objects>' if whole else content}</returnval>"
    return wire.soap(method, "PropertyCollector", "pc", spec, **{"result": result, **more})


def fetch(wire, path, text):
    result = f'<returnval xsi:type="xsd:string">{text}</returnval>'
    return wire.soap("Fetch", "VirtualMachine", "vm-1", f"<prop>{path}</prop>", result=result)


# PROPERTY-001


@keeps("PROPERTY-001")
def one_of_two_is_unset(wire):
    retrieve(wire, ["name", "summary"], [("name", "VM")])


@breaks("PROPERTY-001")
def more_than_was_asked(wire):
    return (retrieve(wire, ["name"], [("name", "VM"), ("config.uuid", "52")]),)


@breaks("PROPERTY-001")
def the_same_twice(wire):
    return (retrieve(wire, ["name"], [("name", "VM"), ("name", "VM")]),)


@leaves_open("PROPERTY-001")
def all_of_it(wire):
    retrieve(wire, [], [("name", "VM"), ("config.uuid", "52")], every=True)


@leaves_open("PROPERTY-001")
def nothing_is_set(wire):
    retrieve(wire, ["name"], [])


# PROPERTY-002


@keeps("PROPERTY-002")
def typed(wire):
    retrieve(wire, ["name"], [("name", "VM")])


@breaks("PROPERTY-002")
def untyped(wire):
    return (retrieve(wire, ["name"], [("name", "VM")], typed=False),)


@breaks("PROPERTY-002")
def fetched_untyped(wire):
    result = "<returnval>ready</returnval>"
    return (wire.soap("Fetch", "HttpNfcLease", "lease-1", "<prop>state</prop>", result=result),)


@leaves_open("PROPERTY-002")
def unset(wire):
    wire.fetch_property("error", None)


# PROPERTY-003


@keeps("PROPERTY-003")
def no_such_property(wire):
    retrieve(wire, ["name", "runtime.x"], [], fault="InvalidProperty", members="<name>runtime.x</name>")


@breaks("PROPERTY-003")
def another_property(wire):
    return (retrieve(wire, ["runtime.x"], [], fault="InvalidProperty", members="<name>config.x</name>"),)


@leaves_open("PROPERTY-003")
def no_such_machine(wire):
    retrieve(wire, ["name"], [], fault="ManagedObjectNotFound", members='<obj type="VirtualMachine">vm-1</obj>')


# PROPERTY-004


@keeps("PROPERTY-004")
def the_same_each_way(wire):
    retrieve(wire, ["name"], [("name", "VM")])
    fetch(wire, "name", "VM")
    retrieve(wire, ["name"], [("name", "VM")], method="RetrieveProperties")


@breaks("PROPERTY-004")
def another_name(wire):
    first = retrieve(wire, ["name"], [("name", "VM")])
    return first, fetch(wire, "name", "vm")


@breaks("PROPERTY-004")
def no_name_at_all(wire):
    first = fetch(wire, "name", "VM")
    return first, retrieve(wire, ["name"], [], method="RetrieveProperties")


@leaves_open("PROPERTY-004")
def renamed_meanwhile(wire):
    retrieve(wire, ["name"], [("name", "VM")])
    wire.change("Rename_Task")
    fetch(wire, "name", "vm")


@leaves_open("PROPERTY-004")
def what_changes_by_itself(wire):
    retrieve(wire, ["runtime.powerState"], [("runtime.powerState", "poweredOn")])
    fetch(wire, "runtime.powerState", "poweredOff")


# PROPERTY-005


def listed(wire, *items):
    rows = "".join(f"<Tag{kind}><key>{key}</key></Tag>" for key, kind in enumerate(items))
    result = f'<returnval xsi:type="ArrayOfTag">{rows}</returnval>'
    return wire.soap("Fetch", "VirtualMachine", "vm-1", "<prop>tag</prop>", result=result)


@keeps("PROPERTY-005")
def each_item_typed(wire):
    listed(wire, ' xsi:type="Tag"', ' xsi:type="Tag"')


@breaks("PROPERTY-005")
def one_item_untyped(wire):
    return (listed(wire, ' xsi:type="Tag"', ""),)


@leaves_open("PROPERTY-005")
def an_empty_array(wire):
    listed(wire)


@leaves_open("PROPERTY-005")
def a_list_inside_an_object(wire):
    result = '<returnval xsi:type="Holder"><key>1</key><key>2</key></returnval>'
    wire.soap("Fetch", "VirtualMachine", "vm-1", "<prop>summary</prop>", result=result)
