# The user's modules evaluated: the values of the options, where each was defined, and what is wrong with them.
{
  lib,
  words,
  near,
  positions,
  settings,
}:
{
  # Rooms by name, as mkRoom made them.
  rooms,
  # The user's modules, and the arguments they get beside those of the module system.
  modules,
  arguments,
}:
let
  inherit (builtins)
    attrNames
    concatMap
    filter
    isAttrs
    map
    ;
  inherit (words) at tick ticks;

  definitionProblems = import ./problems/definitions.nix { inherit lib words settings; };

  options = import ./options.nix { inherit lib settings rooms; };

  evaluated = lib.evalModules {
    modules = [ options.module ] ++ modules;
    specialArgs = arguments;
  };

  inherit (evaluated) config;

  definedAt = positions modules (
    {
      inherit lib config;
      inherit (evaluated) options;
    }
    // arguments
  );

  # The places that define the path of an option, or one below it: where that option's values come from.
  whereBelow =
    option: path:
    let
      lines = definedAt (map toString option.files) path;
    in
    if lines == [ ] then map words.shownFile option.files else lines;

  whereOption = path: option: lib.optionals (isSet option) (whereBelow option path);

  # 1500 is the priority of a default.
  isSet = option: option.isDefined && option.highestPrio < 1500;

  optionProblems =
    path: declaration: option:
    lib.optionals (isSet option) (
      definitionProblems (whereBelow option) path (
        { type = lib.types.raw; } // declaration
      ) option.definitionsWithLocations
    );

  # Every declared option of a tree, with what the evaluation made of it.
  problemsIn =
    path: declarations: tree:
    concatMap (
      name:
      let
        declaration = declarations.${name};
        below = path ++ [ name ];
      in
      if lib.isOption declaration then
        optionProblems below declaration tree.${name}
      else
        problemsIn below declaration tree.${name}
    ) (attrNames declarations);

  optionAbove =
    path: tree: if lib.isOption tree then tree else optionAbove (lib.tail path) tree.${lib.head path};

  # The paths of a definition that no declaration has, each cut where it leaves the declarations.
  undeclaredPaths =
    path: declarations: value:
    concatMap (
      name:
      let
        below = path ++ [ name ];
      in
      if !(declarations ? ${name}) then
        [ below ]
      else if lib.isOption declarations.${name} || !(isAttrs value.${name}) then
        [ ]
      else
        undeclaredPaths below declarations.${name} value.${name}
    ) (attrNames value);

  # Sorted, for the module system tells them in any order.
  undeclared = lib.sort (a: b: a < b) (
    lib.unique (
      concatMap (definition: undeclaredPaths [ ] options.declared definition.value) (
        config.undeclared or [ ]
      )
    )
  );

  isRoomName = path: builtins.length path == 2 && lib.head path == "libs";

  undeclaredProblem =
    path:
    let
      name = lib.last path;
      parent = lib.init path;
      siblings = attrNames (lib.attrByPath parent { } options.declared);
      meant = near.nearest name siblings;
      what = if isRoomName path then "a room" else "an option";
      shown = lib.concatStringsSep ".";
      mend =
        if meant != null then
          "did you mean ${tick (shown (parent ++ [ meant ]))}?"
        else if isRoomName path then
          "add the room's directory to `rooms`, or take the line out"
        else if siblings == [ ] then
          "there are none here; take the line out"
        else
          "there are ${ticks siblings}";
    in
    "${tick (shown path)}${at (definedAt null path)} is not ${what}: ${mend}";

  # What ./graph.nix and the composition need to know of a setting.
  settingOf =
    room: name: option:
    let
      path = [
        "libs"
        room
        name
      ];
      type = settings.typeName option;
      evaluatedOption = evaluated.options.libs.${room}.${name};
    in
    {
      inherit type;
      value = settings.rendered type config.libs.${room}.${name};
      # A file that is not in the image is not worth building to be shown.
      default =
        if option.default or null != null && lib.hasSuffix "file" type then
          words.shownValue option.default
        else
          option.default or null;
      definedIn = whereOption path evaluatedOption;
    };
in
{
  inherit config;

  problems = problemsIn [ ] options.declared evaluated.options ++ map undeclaredProblem undeclared;

  # Where a path of the configuration is written, as `file:line`: an option, or something below one.
  where =
    path:
    let
      option = optionAbove path evaluated.options;
    in
    lib.optionals (isSet option) (whereBelow option path);

  # Whether the user defines an option at all.
  isSet = path: isSet (optionAbove path evaluated.options);

  # The settings of a room, and of those the ones without a value.
  settingsOf = room: lib.mapAttrs (settingOf room.name) room.options;
  unset =
    room:
    filter (name: !evaluated.options.libs.${room.name}.${name}.isDefined) (attrNames room.options);
}
