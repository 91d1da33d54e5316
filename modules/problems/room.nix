# What is wrong with the attributes that a module.nix gives to mkRoom.
{
  lib,
  words,
  near,
  settings,
}:
let
  inherit (builtins)
    all
    attrNames
    elem
    isAttrs
    isBool
    isFunction
    isInt
    isList
    isString
    unsafeGetAttrPos
    ;
  inherit (words) tick;

  isNames = value: isList value && all isString value;
  isOptions =
    value: isAttrs value && all (option: option._type or null == "option") (lib.attrValues value);

  form = check: description: { inherit check description; };
  text = form isString "a string";
  names = form isNames "a list of strings";
  attributes = form isAttrs "an attribute set";
  file = form (
    value: builtins.isPath value && builtins.pathExists value
  ) "the path of a file that exists";

  directory = form (
    value: builtins.isPath value && builtins.pathExists (value + "/default.nix")
  ) "the path of a directory with a default.nix";
  variants = form (
    value: isAttrs value && all (one: isAttrs one && all isString (lib.attrValues one)) (lib.attrValues value)
  ) "an attribute set of environments: attribute sets of strings";

  roomForm = {
    summary = text;
    platforms = names;
    arches = names;
    needs = form (
      value: isNames value || isFunction value
    ) "a list of strings, or a function from the settings to one";
    provides = names;
    after = names;
    conflicts = names;
    devices = names;
    options = form isOptions "an attribute set of lib.mkOption";
    constants = names;
    libc = directory;
    interface = attributes;
    platform = attributes;
    arch = attributes;
  };

  interfaceForm = {
    trait = text;
    arity = form (value: elem value arities) "one of ${words.ticks arities}";
    exclusive = form isBool "a boolean";
    static = text;
    default = text;
  };

  arities = [
    "one"
    "optional"
    "many"
  ];

  platformForm = {
    target = attributes;
    linkerScripts = attributes;
    run = file;
    config = text;
    testHost = directory;
    inherit variants;
    memoryMiB = form (value: isInt value && value > 0) "a number of MiB above 0";
    defaults = attributes;
    entryProtocols = names;
  };

  archForm = {
    targetSpec = file;
    qemu = text;
  };

  # What a machine has for an image, in the words of `run`.
  deviceKinds = [
    "disk"
    "entropy"
    "network"
  ];

  unknownDevices =
    room: attrs:
    let
      position = unsafeGetAttrPos "devices" attrs;
      where = words.at (lib.optional (position != null) (words.shownPosition position));
      wanted = if isNames (attrs.devices or null) then attrs.devices else [ ];
    in
    map (
      kind:
      "room ${tick room}: device ${tick kind}${where} is of no kind that a machine has: "
      + near.meantOr kind deviceKinds "there are ${words.ticks deviceKinds}"
    ) (lib.filter (kind: !(elem kind deviceKinds)) wanted);

  # What differs between the attributes written and their form.
  mismatches =
    room: prefix: formOf: attrs:
    let
      where =
        name:
        words.at (
          lib.optional (unsafeGetAttrPos name attrs != null) (
            words.shownPosition (unsafeGetAttrPos name attrs)
          )
        );
      unknown =
        name:
        let
          meant = near.nearest name (attrNames formOf);
        in
        "room ${tick room}: ${tick "${prefix}${name}"}${where name} is not an attribute of a room: "
        + (
          if meant == null then
            "there are ${words.ticks (attrNames formOf)}"
          else
            "did you mean ${tick "${prefix}${meant}"}?"
        );
      wrong =
        name:
        "room ${tick room}: ${tick "${prefix}${name}"}${where name} must be ${formOf.${name}.description}";
      mismatch =
        name:
        if !(formOf ? ${name}) then
          [ (unknown name) ]
        else if !(formOf.${name}.check attrs.${name}) then
          [ (wrong name) ]
        else
          [ ];
    in
    lib.concatMap mismatch (attrNames attrs);

  missing =
    room: prefix: required: attrs:
    map (name: "room ${tick room}: ${tick "${prefix}${name}"} is missing in its module.nix: add it") (
      lib.filter (name: !(attrs ? ${name})) required
    );

  partMismatches =
    room: part: formOf: required: attrs:
    lib.optionals (isAttrs (attrs.${part} or null)) (
      mismatches room "${part}." formOf attrs.${part} ++ missing room "${part}." required attrs.${part}
    );

  optionMismatches =
    room: attrs:
    let
      options = if isOptions (attrs.options or null) then attrs.options else { };
      untyped = lib.filter (name: settings.typeName options.${name} == null) (attrNames options);
      unknownConstants = lib.filter (name: !(options ? ${name})) (
        if isNames (attrs.constants or null) then attrs.constants else [ ]
      );
    in
    map (
      name:
      "room ${tick room}: option ${tick name} has a type that no field of `Config` can have: take int, bool, str, enum, path, package, listOf or nullOr of these"
    ) untyped
    ++ map (
      name:
      "room ${tick room}: constant ${tick name} is not one of its options: declare it in `options`, or take it out of `constants`"
    ) unknownConstants
    ++ lib.optional (
      options ? enable
    ) "room ${tick room}: option `enable` is the pool's own: name yours otherwise";
  # The attributes that are as the form wants them.
  fitting = formOf: lib.filterAttrs (name: value: formOf ? ${name} && formOf.${name}.check value);

  parts = {
    interface = interfaceForm;
    platform = platformForm;
    arch = archForm;
  };
  required = {
    interface = [
      "trait"
      "arity"
    ];
    platform = [ ];
    arch = [ "targetSpec" ];
  };
in
{
  # The attributes without those that would break whoever reads them.
  soundOf =
    attrs:
    let
      sound = fitting roomForm attrs;
    in
    sound
    // lib.mapAttrs (part: formOf: fitting formOf sound.${part}) (builtins.intersectAttrs sound parts);

  # One line for each thing wrong in the attributes of the room of that name.
  mistakesOf =
    name: attrs:
    mismatches name "" roomForm attrs
    ++ missing name "" [ "summary" ] attrs
    ++ lib.concatMap (part: partMismatches name part parts.${part} required.${part} attrs) (
      attrNames parts
    )
    ++ unknownDevices name attrs
    ++ optionMismatches name attrs;
}
