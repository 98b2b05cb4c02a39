import shared from 'shared-config';
console.log(shared.config);
