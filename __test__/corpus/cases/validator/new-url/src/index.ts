import './env.js';
import './config.js';
