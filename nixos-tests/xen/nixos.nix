# A NixOS machine that runs Xen plays scenarios: ./player.py says how.
{ lib, pkgs }:
name: played:
let
  # A machine has the files of all its scenarios, which differ in what they call by the same names.
  numbered = lib.imap0 (number: scenario: scenario // { directory = "/files${toString number}"; }) played;

  filesOf =
    scenario:
    lib.mapAttrsToList (file: source: "L+ ${scenario.directory}/${file} - - - - ${source}") scenario.files;
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
      systemd.tmpfiles.rules = lib.concatMap filesOf numbered;
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
