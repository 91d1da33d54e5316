# mkRoom: the data of a module.nix made whole, with what is wrong in it as a list of problems.
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
    options = form isOptions "an attribute set of lib.mkOption";
    constants = names;
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
    defaults = attributes;
    entryProtocols = names;
  };

  archForm = {
    targetSpec = file;
    qemu = text;
  };

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

  kindOf =
    attrs:
    if attrs ? interface then
      "interface"
    else if attrs ? platform then
      "platform"
    else if attrs ? arch then
      "arch"
    else
      "library";

  # A platform's room runs on that platform alone, an architecture's on that architecture.
  own =
    kind: attrs: name: attribute:
    if kindOf attrs == kind then [ name ] else attrs.${attribute} or null;
in
dir: attrs:
let
  name = baseNameOf (toString dir);
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
  options = attrs.options or { };
  constants = attrs.constants or [ ];
  interface = {
    exclusive = false;
    static = null;
    default = null;
  }
  // attrs.interface or { };
  platform = {
    target = { };
    linkerScripts = { };
    run = null;
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
      position = unsafeGetAttrPos attribute attrs;
    in
    if position == null then words.shownFile (dir + "/module.nix") else words.shownPosition position;

  mistakes =
    mismatches name "" roomForm attrs
    ++ missing name "" [ "summary" ] attrs
    ++ partMismatches name "interface" interfaceForm [ "trait" "arity" ] attrs
    ++ partMismatches name "platform" platformForm [ ] attrs
    ++ partMismatches name "arch" archForm [ "targetSpec" ] attrs
    ++ optionMismatches name attrs;
}
