'use strict';

// Ends what the app started, also what has left our process group and cleared its environment: on Linux this process was
// made to inherit what its children leave behind, so that all of it is found below it.

const { readdirSync, readFileSync } = require('node:fs');
const process = require('node:process');

const { kill } = process;
// Something that starts others as fast as they are ended must not keep us here.
const MOST_ROUNDS = 20;

function endOffspring() {
  const ended = new Set();
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const found = descendants(process.pid).filter((pid) => !ended.has(pid));
    if (found.length === 0) return;
    for (const pid of found) {
      ended.add(pid);
      end(pid);
    }
  }
}

function end(pid) {
  try {
    kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself, or is another user's.
  }
}

function descendants(pid) {
  return childrenOf(pid).flatMap((child) => [child, ...descendants(child)]);
}

// None where the system does not tell.
function childrenOf(pid) {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const lists = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8'));
    return lists.flatMap((list) => list.split(' ').filter((text) => text !== '').map(Number));
  } catch {
    return [];
  }
}

module.exports = { endOffspring };
