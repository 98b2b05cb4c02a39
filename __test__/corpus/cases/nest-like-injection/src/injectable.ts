import './reflect.js';
export const Injectable = () => (_: any) => {};
