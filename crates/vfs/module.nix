{ lib, mkRoom, ... }:
let
  inherit (lib) mkOption types;
in
mkRoom ./. {
  summary = "one tree of files, devices and facts, as Linux programs see it";
  needs = [
    "allocator"
    "clock"
    "console"
    "entropy"
    "filesystem"
    "mount"
    "platform"
    "scheduler"
  ];
  provides = [ "vfs" ];
  options = {
    writable = mkOption {
      type = types.listOf types.str;
      default = [
        "/dev/shm"
        "/run"
        "/tmp"
        "/var/cache"
        "/var/lib"
        "/var/log"
        "/var/run"
        "/var/spool"
        "/var/tmp"
      ];
      description = "Absolute paths of directories that can be written: empty at start, in memory, gone at the end. What the root has there is hidden; a path within another file system that is mounted is left as it is.";
    };
    writableMiB = mkOption {
      type = types.ints.between 1 1048576;
      default = 64;
      description = "Most memory that all of `writable` may take together, in MiB; it takes what is stored and no more.";
    };
    nameServers = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Addresses of name servers for `/etc/resolv.conf`, where the root has none. `dns=` on the command line, with commas between addresses, takes its place. Without either, the file has those that the network knows when it is read.";
    };
  };
}
