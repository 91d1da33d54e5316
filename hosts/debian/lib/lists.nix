# Lists and numbers.
let
  inherit (builtins)
    elem
    elemAt
    filter
    foldl'
    genList
    isList
    length
    ;

  min = a: b: if a < b then a else b;
  max = a: b: if a > b then a else b;
in
rec {
  inherit (builtins)
    all
    any
    concatLists
    concatMap
    elem
    elemAt
    filter
    foldl'
    genList
    groupBy
    head
    isAttrs
    isBool
    isFunction
    isInt
    isList
    isString
    length
    map
    sort
    tail
    ;
  inherit min max;

  optional = condition: value: if condition then [ value ] else [ ];
  optionals = condition: values: if condition then values else [ ];

  toList = value: if isList value then value else [ value ];

  # From `first` to `last`, both inclusive.
  range = first: last: if first > last then [ ] else genList (i: first + i) (last - first + 1);

  imap0 = f: list: genList (i: f i (elemAt list i)) (length list);
  imap1 = f: list: genList (i: f (i + 1) (elemAt list i)) (length list);

  last =
    list: if list == [ ] then throw "lib.last: the list is empty" else elemAt list (length list - 1);

  init =
    list:
    if list == [ ] then
      throw "lib.init: the list is empty"
    else
      genList (elemAt list) (length list - 1);

  drop = count: list: genList (i: elemAt list (count + i)) (max 0 (length list - count));

  reverseList = list: genList (i: elemAt list (length list - 1 - i)) (length list);

  # Each value once, where it first stands.
  unique = foldl' (seen: value: if elem value seen then seen else seen ++ [ value ]) [ ];

  findFirst =
    accepts: default: list:
    let
      found = filter accepts list;
    in
    if found == [ ] then default else builtins.head found;

  zipListsWith =
    f: a: b:
    genList (i: f (elemAt a i) (elemAt b i)) (min (length a) (length b));
}
