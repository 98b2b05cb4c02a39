new URL('');
