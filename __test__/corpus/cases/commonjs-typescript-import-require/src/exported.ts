import library = require('./library');
export import inner = library.inner;
