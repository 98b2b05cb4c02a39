throw new Error('the require condition was taken');
