const greeting = require("./greeting.json");

require("node:http")
  .createServer((_, response) => response.end(greeting))
  .listen(process.env.PORT);
