{ mkRoom, ... }:
mkRoom ./. {
  summary = "monotonic and wall-clock time";
  interface = {
    trait = "Clock";
    arity = "one";
  };
}
