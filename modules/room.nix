# mkRoom: the data of a module.nix made whole, with what is wrong in it as a list of problems.
{
  lib,
  words,
  near,
  settings,
}:
let
  inherit (builtins) unsafeGetAttrPos;

  inherit
    (import ./problems/room.nix {
      inherit
        lib
        words
        near
        settings
        ;
    })
    mistakesOf
    soundOf
    ;

  kindOf =
    attrs:
    if attrs ? interface then
      "interface"
    else if attrs ? platform then
      "platform"
    else if attrs ? arch then
      "arch"
    else if attrs ? libc then
      "libc"
    else
      "library";

  # A platform's room runs on that platform alone, an architecture's on that architecture.
  own =
    kind: attrs: name: attribute:
    if kindOf attrs == kind then [ name ] else attrs.${attribute} or null;
in
dir: written:
let
  name = baseNameOf (toString dir);
  # What is wrong is told, and left out of what the rest works with.
  attrs = soundOf written;
in
{
  inherit name dir;
  kind = kindOf attrs;
  summary = attrs.summary or "";
  # null stands for every one.
  platforms = own "platform" attrs name "platforms";
  arches = own "arch" attrs name "arches";
  needs = attrs.needs or [ ];
  provides = attrs.provides or [ ];
  after = attrs.after or [ ];
  conflicts = attrs.conflicts or [ ];
  devices = attrs.devices or [ ];
  options = attrs.options or { };
  constants = attrs.constants or [ ];
  libc = attrs.libc or null;
  interface = {
    trait = "";
    arity = "one";
    exclusive = false;
    static = null;
    default = null;
  }
  // attrs.interface or { };
  platform = {
    target = { };
    linkerScripts = { };
    run = null;
    config = null;
    memoryMiB = null;
    testHost = null;
    variants = { };
    defaults = { };
    entryProtocols = [ ];
  }
  // attrs.platform or { };
  arch = {
    targetSpec = null;
    qemu = null;
  }
  // attrs.arch or { };

  # Where an attribute is written, as file:line, or the module's file.
  where =
    attribute:
    let
      position = unsafeGetAttrPos attribute written;
    in
    if position == null then words.shownFile (dir + "/module.nix") else words.shownPosition position;

  mistakes = mistakesOf name written;
}
