// Runs in the loader thread of Node 20: the same decisions as in `hooks-sync.cjs`, in the asynchronous form.

import activity from './activity.cjs';
import channel from './channel.cjs';
import { moduleOf, report } from './load.cjs';
import project from './project.cjs';
import resolution from './resolve.cjs';
import libraries from './libraries.cjs';

let entryUrl;

export function initialize(data) {
  entryUrl = data.entryUrl;
  activity.share(data.activity);
  channel.open(data.job.records, data.job.nonce);
  project.setRoots(data.job.root, data.job.appFolder);
  resolution.setEntry(data.job.targets[0].file);
  libraries.setAppFolder(data.job.appFolder);
}

export function resolve(specifier, context, nextResolve) {
  // Our own question whether the thread has come so far.
  if (specifier.startsWith('data:text/javascript,//')) return nextResolve(specifier, context);
  return activity.during(async () => {
    const parent = project.fileOf(context.parentURL);
    const first = resolution.resolveFirst(specifier, parent, 'import');
    if (first !== undefined) return nextResolve(first, context);
    try {
      return await nextResolve(specifier, context);
    } catch (error) {
      const second = resolution.resolveAfter(specifier, parent, error, 'import');
      if (second === undefined) throw error;
      return { url: second, shortCircuit: true };
    }
  });
}

export function load(url, context, nextLoad) {
  return url.startsWith('data:') ? nextLoad(url, context) : activity.during(() => loadWatched(url, context, nextLoad));
}

async function loadWatched(url, context, nextLoad) {
  const loaded = moduleOf(url, context, entryUrl);
  if (loaded === undefined) return nextLoad(url, context);
  // CommonJS goes through `require`, which is hooked in the main thread.
  if (loaded.source !== undefined && loaded.format === 'commonjs') {
    return { format: 'commonjs', source: null, shortCircuit: true };
  }
  if (loaded.source !== undefined) {
    channel.flush();
    return { ...loaded, shortCircuit: true };
  }
  report(loaded.file);
  channel.flush();
  const result = await nextLoad(url, context);
  return result.format === 'commonjs' ? { ...result, source: null } : loaded.rewrite(result);
}
