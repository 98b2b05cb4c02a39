// What the simulator's package shares with this one. Not public: both are published with the same version.

export { addon } from './addon.js';
export { platforms, version } from './constants.js';
export { DeployError } from './error.js';
export { find } from './place.js';
