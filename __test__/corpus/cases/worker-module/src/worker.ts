import './queue.js';
