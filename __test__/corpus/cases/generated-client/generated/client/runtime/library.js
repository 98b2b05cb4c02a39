'use strict';
var Runtime = class { $connect() {} };
0 && (module.exports = { Runtime });
module.exports = { Runtime };
