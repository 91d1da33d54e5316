# What an image is compiled for and how it is run, as the rooms of its platform and architecture tell it.
{ platform, arch }:
let
  inherit (builtins)
    baseNameOf
    fromJSON
    readFile
    toFile
    toJSON
    ;

  inherit (arch.arch) targetSpec;
  changes = platform.platform.target;

  # A path in the store; the name of a target specification's file is the target's.
  stored = path: if path == null then null else "${path}";

  changed = toFile (baseNameOf (toString targetSpec)) (
    toJSON (fromJSON (readFile targetSpec) // changes)
  );
in
{
  specification = if changes == { } then stored targetSpec else changed;
  linkerScript = stored (platform.platform.linkerScripts.${arch.name} or null);
  run = stored platform.platform.run;
  inherit (platform.platform) config;
  testHost = platform.platform.testHost != null;
  inherit (arch.arch) qemu;
  inherit (platform.platform) entryProtocols;
}
