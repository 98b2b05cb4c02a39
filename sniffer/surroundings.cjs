'use strict';

// Keeps the app from disturbing the machine: it listens on a free port of the loopback instead of its own, and what it
// starts stays in our process group and carries our mark, so that it ends with us.

const { ChildProcess } = require('node:child_process');
const childProcess = require('node:child_process');
const net = require('node:net');
const channel = require('./channel.cjs');
const environment = require('./environment.cjs');

const MARK = 'GKM_SNIFF';

function contain() {
  const { listen } = net.Server.prototype;
  net.Server.prototype.listen = function (...args) {
    return Reflect.apply(listen, this, withoutAddress(args));
  };
  const { spawn } = ChildProcess.prototype;
  ChildProcess.prototype.spawn = function (options) {
    channel.queue('doubtful', {});
    const envPairs = [...(options.envPairs ?? []), `${MARK}=${environment.valueOf(MARK)}`];
    return Reflect.apply(spawn, this, [{ ...options, envPairs, detached: false }]);
  };
  for (const name of ['spawnSync', 'execSync', 'execFileSync']) {
    const method = childProcess[name];
    childProcess[name] = (...args) => {
      channel.queue('doubtful', {});
      return method(...args.map(marked));
    };
  }
}

// The options of a call, so that what it starts can be found.
function marked(argument) {
  if (argument === null || typeof argument !== 'object' || Array.isArray(argument)) return argument;
  const env = argument.env && { ...argument.env, [MARK]: environment.valueOf(MARK) };
  return { ...argument, detached: false, ...(env && { env }) };
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
