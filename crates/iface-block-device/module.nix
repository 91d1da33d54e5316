{ mkRoom, ... }:
mkRoom ./. {
  summary = "a disk: numbered blocks of bytes";
  interface = {
    trait = "BlockDevice";
    arity = "one";
    exclusive = true;
  };
}
