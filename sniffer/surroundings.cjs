'use strict';

// Keeps the app from disturbing the machine: it listens on a free port of the loopback instead of its own.

const net = require('node:net');

function contain() {
  const { listen } = net.Server.prototype;
  net.Server.prototype.listen = function (...args) {
    return Reflect.apply(listen, this, withoutAddress(args));
  };
}

// `listen` takes (port, host?, backlog?, callback?), (options, callback?), (path, …) or (handle, …).
function withoutAddress([first, ...rest]) {
  if (first !== null && typeof first === 'object') {
    if ('port' in first) return [{ ...first, port: 0, host: '127.0.0.1' }, ...rest];
    return [first, ...rest];
  }
  if (typeof first === 'string' && !/^\d+$/.test(first)) return [first, ...rest];
  const callback = [first, ...rest].find((argument) => typeof argument === 'function');
  return callback === undefined ? [0, '127.0.0.1'] : [0, '127.0.0.1', callback];
}

module.exports = { contain };
