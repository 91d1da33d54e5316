# Plays scenarios of crates/xen-test on a machine of a NixOS test.
import json
import shlex
import time

CONSOLES = "/var/log/xen/console"


def play(machine, scenario):
    """Every step of a scenario, and the end of what it leaves."""
    machine.wait_for_unit("xenstored.service")
    machine.wait_for_unit("xenconsoled.service")
    machine.wait_until_succeeds("ip link show xenbr0")
    # Configurations name the one directory in which a host has its files.
    machine.succeed(f"ln -sfn {scenario['directory']} /files")
    for step in scenario["steps"]:
        ((kind, facts),) = step.items()
        with machine.nested(f"{scenario['name']}: {kind} {json.dumps(facts)}"):
            STEPS[kind](machine, scenario, **facts)
    machine.succeed("for domain in $(xl list | awk 'NR > 2 { print $1 }'); do xl destroy $domain; done")


def create(machine, scenario, domain, instead=(), refusal=None):
    status, output = machine.execute(f"sh /lib/test-host/create /files/{domain}.cfg {shlex.join(instead)} 2>&1")
    if refusal is None:
        assert status == 0, output
    else:
        assert status != 0, f"{domain} was created"
        assert refusal in output, output


def console(machine, scenario, domain, text, withinSeconds=20):
    log = f"{CONSOLES}/guest-{domain}.log"
    machine.wait_until_succeeds(f"grep -qF -e {shlex.quote(text)} {log}", timeout=withinSeconds)


def http(machine, scenario, domain, request, meanwhile=None):
    answer = f"/tmp/{meanwhile or 'answer'}"
    command = f"{curl(scenario['addresses'][domain], request, answer)}"
    if meanwhile is None:
        machine.wait_until_succeeds(command, timeout=20)
        judge(machine, answer, request)
    else:
        REQUESTS[meanwhile] = request
        machine.succeed(f"({command}; echo $? > {answer}.ended) > /dev/null 2>&1 &")


def finish(machine, scenario, request):
    answer = f"/tmp/{request}"
    machine.wait_until_succeeds(f"grep -qx 0 {answer}.ended", timeout=60)
    judge(machine, answer, REQUESTS.pop(request))


# Not by the name of the step, which is that of the machine in the driver.
def on_host(machine, scenario, command, text=None, status=0):
    got, output = machine.execute(f"{command} 2>&1")
    assert got == status, f"status {got}: {output}"
    assert text is None or text in output, output


def ends(machine, scenario, domain, reason, withinSeconds=20):
    listed = f"xl list -v {domain} | tail -n 1 | awk '{{ print $5, $8 }}'"
    limit = time.monotonic() + withinSeconds
    while True:
        state, _, told = machine.succeed(listed).strip().partition(" ")
        if "s" in state:
            break
        assert time.monotonic() < limit, f"{domain} has not ended"
    assert int(told, 16) == reason, f"{domain} ended with reason {told}"


def curl(address, request, answer):
    """The command that asks, and leaves head and body beside each other."""
    words = ["curl", "--silent", "--show-error", "--max-time", "20"]
    words += ["--output", answer, "--write-out", "%{http_code}", "--request", request.get("method", "GET")]
    for name, value in request.get("requestHeaders", {}).items():
        words += ["--header", f"{name}: {value}"]
    words.append(f"http://{address}{request.get('path', '/')}")
    return f"{shlex.join(words)} > {answer}.status"


def judge(machine, answer, request):
    assert machine.succeed(f"cat {answer}.status").strip() == str(request.get("status", 200))
    if "length" in request:
        assert machine.succeed(f"stat -c %s {answer}").strip() == str(request["length"])
    if "sha256" in request:
        assert machine.succeed(f"sha256sum {answer}").split()[0] == request["sha256"]
    if "text" in request:
        machine.succeed(f"grep -qF -e {shlex.quote(request['text'])} {answer}")


REQUESTS = {}
STEPS = {
    "create": create,
    "console": console,
    "http": http,
    "finish": finish,
    "dom0": on_host,
    "ends": ends,
}
