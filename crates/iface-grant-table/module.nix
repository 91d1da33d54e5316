{ mkRoom, ... }:
mkRoom ./. {
  summary = "memory that a Xen domain shares with another";
  interface = {
    trait = "GrantTable";
    arity = "one";
  };
}
