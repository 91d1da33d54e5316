# Settings: how an option's type and value are named and written for weave.
{ lib }:
let
  inherit (builtins)
    all
    elem
    head
    isAttrs
    isBool
    isInt
    isList
    isString
    ;

  # How the module system names its types, and what a field of `Config` makes of each.
  integers = [
    "int"
    "intBetween"
    "positiveInt"
    "unsignedInt"
    "unsignedInt8"
    "unsignedInt16"
    "unsignedInt32"
    "signedInt8"
    "signedInt16"
    "signedInt32"
  ];
  strings = [
    "str"
    "string"
    "nonEmptyStr"
    "singleLineStr"
    "separatedString"
    "lines"
  ];
  files = [
    "path"
    "pathInStore"
    "package"
  ];

  isStringType = type: elem type.name strings || lib.hasPrefix "strMatching" type.name;

  enumName =
    values:
    if values == [ ] then
      null
    else if all isInt values then
      "int"
    else if all isString values then
      "enum"
    else
      null;

  within = word: inner: if inner == null then null else "${word} ${inner}";

  nameOf =
    type:
    if elem type.name integers then
      "int"
    else if type.name == "bool" then
      "bool"
    else if isStringType type then
      "str"
    else if elem type.name files then
      "file"
    else if type.name == "enum" then
      enumName type.functor.payload.values
    else if type.name == "listOf" then
      within "list of" (nameOf type.nestedTypes.elemType)
    else if type.name == "nullOr" then
      within "nullable" (nameOf type.nestedTypes.elemType)
    else if type.name == "either" then
      nameOfEither (nameOf type.nestedTypes.left) (nameOf type.nestedTypes.right)
    else
      null;

  # What no field can hold is for the option's `apply` to turn into the other.
  nameOfEither =
    left: right:
    if right == null || left == right then
      left
    else if left == null then
      right
    else
      null;

  isFile = value: builtins.isPath value || lib.isDerivation value;

  inferredList =
    values:
    let
      names = lib.unique (map inferred values);
    in
    if values == [ ] then
      "list of str"
    else if builtins.length names == 1 then
      within "list of" (head names)
    else
      null;

  inferred =
    value:
    if isInt value then
      "int"
    else if isBool value then
      "bool"
    else if isString value then
      "str"
    else if isFile value then
      "file"
    else if value == null then
      "nullable str"
    else if isList value then
      inferredList value
    else
      null;
in
rec {
  # The type of an option in weave's words; null where Rust has no field for it.
  typeName = option: nameOf (option.type or { name = "unspecified"; });

  # The same for a setting of the application, which has a value and no declared type.
  inferredTypeName = inferred;

  # A value as JSON can carry it: files become their place in the store.
  rendered =
    type: value:
    if value == null then
      null
    else if type == "file" then
      "${value}"
    else if lib.hasPrefix "nullable " type then
      rendered (lib.removePrefix "nullable " type) value
    else if lib.hasPrefix "list of " type then
      map (rendered (lib.removePrefix "list of " type)) value
    else
      value;

  # Whether the value can be had to its last part. A package is not looked into: that would evaluate all of it.
  evaluates =
    value:
    let
      forced =
        part:
        if isList part then
          all forced part
        else if isAttrs part && !(lib.isDerivation part) then
          all forced (lib.attrValues part)
        else
          builtins.seq part true;
    in
    (builtins.tryEval (forced value)).success;
}
