# A NixOS machine that runs Xen plays scenarios: ./player.py says how.
{ lib, pkgs }:
name: played:
let
  # A machine has the files of all its scenarios, which differ in what they call by the same names.
  numbered = lib.imap0 (number: scenario: scenario // { directory = "/files${toString number}"; }) played;

  # What a configuration names by its place in the store is there.
  filesOf =
    scenario:
    lib.mapAttrsToList (file: source: "L+ ${scenario.directory}/${file} - - - - ${source}") (
      lib.filterAttrs (file: _: !(lib.hasPrefix "/" file)) scenario.files
    );

  # What the test host creates domains with.
  tools = "L+ /lib/test-host - - - - ${../../platforms/xen/test-host/dom0/lib/test-host}";
in
pkgs.testers.runNixOSTest {
  name = "xen-${name}";

  nodes.dom0 =
    { pkgs, ... }:
    {
      virtualisation = {
        cores = 1;
        memorySize = 2048;
        # Xen is started by the machine's boot loader, which a test leaves out otherwise.
        useBootLoader = true;
        useEFIBoot = true;
        # Nested paging of an emulated processor is of no use to PVH.
        qemu.options = [ "-cpu qemu64,+svm,-npt,+rdrand,+rdseed" ];
        xen = {
          enable = true;
          dom0Resources.memory = 1024;
        };
      };
      boot.loader = {
        systemd-boot.enable = true;
        timeout = 0;
      };
      # Consoles of domains are logged, as the player reads them there.
      systemd.services.xenconsoled.environment.XENCONSOLED_TRACE = "guest";
      systemd.tmpfiles.rules = [ tools ] ++ lib.concatMap filesOf numbered;
      # As the user network of the test host: the first domain that asks gets this address.
      services.dnsmasq = {
        enable = true;
        settings = {
          interface = "xenbr0";
          dhcp-range = "10.0.2.16,10.0.2.16";
          port = 0;
        };
      };
      networking = {
        useDHCP = false;
        bridges.xenbr0.interfaces = [ ];
        interfaces.xenbr0.ipv4.addresses = [
          {
            address = "10.0.2.2";
            prefixLength = 24;
          }
        ];
        firewall.enable = false;
      };
      environment.systemPackages = [ pkgs.curl ];
    };

  # The player is not written to the driver's own lints.
  skipLint = true;
  skipTypeCheck = true;

  testScript = ''
    ${builtins.readFile ./player.py}
    for scenario in json.loads(r"""${builtins.toJSON (map (one: removeAttrs one [ "files" ]) numbered)}"""):
        play(dom0, scenario)
  '';
}
