'use strict';

// What runs in place of a file of the workspace in another process or thread: nothing, until it is ended.

setInterval(() => {}, 2 ** 30);
