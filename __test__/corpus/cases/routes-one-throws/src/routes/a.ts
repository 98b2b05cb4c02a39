throw new Error('broken route');
