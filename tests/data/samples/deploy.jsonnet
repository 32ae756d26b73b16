local common = import 'common.libsonnet';

// Makes a service.
local service(name, port) = {
  name: name,
  port: port,
};

{
  shop: service('shop', 8080),
  limit: 10,
}
