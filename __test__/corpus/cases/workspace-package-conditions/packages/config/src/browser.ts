throw new Error('the browser condition was taken');
