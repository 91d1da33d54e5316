# Types of options: what a definition may be (`check`), and what several make together (`merge`).
{ lib }:
let
  inherit (builtins)
    all
    concatLists
    elem
    isAttrs
    isBool
    isFunction
    isInt
    isList
    isString
    length
    match
    toJSON
    ;
  inherit (lib) mergeEqualOption mergeOneOption showValue;

  # A type's description inside that of another: in parentheses where it would be misread.
  phrase =
    classes: type:
    if elem (type.descriptionClass or null) classes then type.description else "(${type.description})";

  wrap =
    elemType: type:
    type
    // {
      nestedTypes.elemType = elemType;
    };

  scalar =
    name: description: check:
    mkOptionType {
      inherit name description check;
      descriptionClass = "noun";
      merge = mergeEqualOption;
    };

  mkOptionType =
    {
      name,
      description ? name,
      descriptionClass ? null,
      check ? (_: true),
      merge ? mergeOneOption,
      # What an option of this type is without a definition: { } for nothing, { value = …; } otherwise.
      emptyValue ? { },
      nestedTypes ? { },
      # What an enum was made of.
      functor ? {
        inherit name;
        payload = null;
      },
    }:
    {
      _type = "option-type";
      inherit
        name
        description
        descriptionClass
        check
        merge
        emptyValue
        nestedTypes
        functor
        ;
    };

  addCheck = type: check: type // { check = value: type.check value && check value; };

  types = {
    inherit addCheck;

    raw = mkOptionType {
      name = "raw";
      description = "raw value";
      descriptionClass = "noun";
      merge = mergeOneOption;
    };

    bool = scalar "bool" "boolean" isBool;
    int = scalar "int" "signed integer" isInt;
    str = scalar "str" "string" isString;
    nonEmptyStr = scalar "nonEmptyStr" "non-empty string" (
      value: isString value && match "[ \t\n]*" value == null
    );
    strMatching =
      pattern:
      scalar "strMatching ${toJSON pattern}" "string matching the pattern ${pattern}" (
        value: isString value && match pattern value != null
      );

    ints = import ./ints.nix { inherit lib; };
    port = types.ints.u16;

    # Several definitions follow each other, one a line.
    lines = mkOptionType {
      name = "separatedString";
      description = "strings concatenated with \"\\n\"";
      descriptionClass = "noun";
      check = isString;
      merge = _: defs: lib.concatMapStringsSep "\n" (def: def.value) defs;
    };

    path = scalar "path" "absolute path" (
      value: lib.isStringLike value && builtins.substring 0 1 (toString value) == "/"
    );

    package = mkOptionType {
      name = "package";
      descriptionClass = "noun";
      check =
        value:
        lib.isDerivation value
        || (lib.isStringLike value && lib.hasPrefix builtins.storeDir (toString value));
      merge = mergeOneOption;
    };

    enum =
      values:
      mkOptionType {
        name = "enum";
        description =
          if length values == 0 then
            "impossible (empty enum)"
          else if length values == 1 then
            "value ${showValue (lib.head values)} (singular enum)"
          else
            "one of ${lib.concatMapStringsSep ", " showValue values}";
        descriptionClass = if length values < 2 then "noun" else "conjunction";
        check = value: elem value values;
        merge = mergeEqualOption;
        functor = {
          name = "enum";
          payload = { inherit values; };
        };
      };

    nullOr =
      elemType:
      wrap elemType (mkOptionType {
        name = "nullOr";
        description = "null or ${phrase [ "noun" "conjunction" ] elemType}";
        descriptionClass = "conjunction";
        check = value: value == null || elemType.check value;
        merge =
          path: defs:
          let
            nulls = lib.filter (def: def.value == null) defs;
          in
          if length nulls == length defs then
            null
          else if nulls != [ ] then
            throw "The option `${lib.showOption path}' is defined both null and not null, in ${
              lib.showFiles (map (def: def.file) defs)
            }."
          else
            elemType.merge path defs;
        emptyValue.value = null;
      });

    either =
      left: right:
      mkOptionType {
        name = "either";
        description = "${phrase [ "noun" "conjunction" ] left} or ${
          phrase [ "noun" "conjunction" "composite" ] right
        }";
        descriptionClass = "conjunction";
        check = value: left.check value || right.check value;
        merge =
          path: defs:
          if all (def: left.check def.value) defs then
            left.merge path defs
          else if all (def: right.check def.value) defs then
            right.merge path defs
          else
            mergeOneOption path defs;
        nestedTypes = { inherit left right; };
      };

    listOf =
      elemType:
      wrap elemType (mkOptionType {
        name = "listOf";
        description = "list of ${phrase [ "noun" "composite" ] elemType}";
        descriptionClass = "composite";
        check = isList;
        merge =
          path: defs:
          let
            entry =
              def: definition: index: value:
              lib.mergeDefinitions (path ++ [ "[definition ${toString definition}-entry ${toString index}]" ])
                elemType
                [
                  (def // { inherit value; })
                ];
            entries = concatLists (lib.imap1 (n: def: lib.imap1 (entry def n) def.value) defs);
          in
          map (merged: merged.mergedValue) (lib.filter (merged: merged.isDefined) entries);
        emptyValue.value = [ ];
      });

    attrsOf =
      elemType:
      wrap elemType (mkOptionType {
        name = "attrsOf";
        description = "attribute set of ${phrase [ "noun" "composite" ] elemType}";
        descriptionClass = "composite";
        check = isAttrs;
        merge =
          path: defs:
          let
            merged = mapDefinitions path elemType defs;
          in
          lib.mapAttrs (_: definition: definition.mergedValue) (
            lib.filterAttrs (_: definition: definition.isDefined) merged
          );
        emptyValue.value = { };
      });

    # Its names can be had without its conditions; a value that no condition lets through ends evaluation when used.
    lazyAttrsOf =
      elemType:
      wrap elemType (mkOptionType {
        name = "lazyAttrsOf";
        description = "lazy attribute set of ${phrase [ "noun" "composite" ] elemType}";
        descriptionClass = "composite";
        check = isAttrs;
        merge =
          path: defs:
          lib.mapAttrs (_: definition: definition.mergedValue) (mapDefinitions path elemType defs);
        emptyValue.value = { };
      });

    # An option set of its own. `modules` are its declarations; a definition is a module too.
    submodule =
      modules:
      mkOptionType {
        name = "submodule";
        description = "submodule";
        check = value: isAttrs value || isFunction value || types.path.check value;
        merge =
          path: defs:
          let
            asModule =
              { file, value }:
              if isAttrs value then
                {
                  _file = file;
                  config = value;
                }
              else
                {
                  _file = file;
                  imports = [ value ];
                };
          in
          (lib.evalModules {
            modules = lib.toList modules ++ map asModule defs;
            specialArgs.name = lib.last path;
            prefix = path;
          }).config;
        emptyValue.value = { };
      };

    optionType = mkOptionType {
      name = "optionType";
      description = "optionType";
      descriptionClass = "noun";
      check = value: value._type or null == "option-type";
      merge = mergeOneOption;
    };
  };

  # The definitions of a set by name, each merged.
  mapDefinitions =
    path: elemType: defs:
    let
      named =
        def:
        map (value: lib.mapAttrs (_: value: def // { inherit value; }) value) (
          lib.pushDownProperties def.value
        );
    in
    lib.mapAttrs (name: lib.mergeDefinitions (path ++ [ name ]) elemType) (
      lib.zipAttrs (lib.concatMap named defs)
    );
in
types // { inherit mkOptionType; }
