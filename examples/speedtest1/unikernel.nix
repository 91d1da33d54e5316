# SQLite's own program for measuring it.
{ builders, ... }:
{
  app = {
    name = "speedtest1";
    source = {
      inherit ((import ../sqlite/unikernel.nix { inherit builders; }).app.source) src;
      build = builders.configure {
        program = "speedtest1";
        flags = [
          "--disable-tcl"
          "--disable-readline"
          "--disable-shared"
          # There is nothing that could be loaded.
          "--disable-load-extension"
        ];
        make = [ "speedtest1" ];
        # For tclsh, which makes one file of SQLite's many.
        tools = [ "tcl" ];
      };
    };
    # A tenth of its usual work.
    arguments = [ "--size" "10" ];
  };
  platforms = [ "kvm" "linux" "xen" ];
  memoryMiB = 64;
  # There has to be a tree; the program reads none of it.
  libs.rootfs.tree."README.md" = ./README.md;
  # Its system calls have sockets, which it does not use.
  choose.net-stack = "no-network";
}
