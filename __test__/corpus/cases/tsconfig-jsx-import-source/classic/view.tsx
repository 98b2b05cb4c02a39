const h = (...args: unknown[]) => args;
const F = 'fragment';
export const view = <><b title="x">y</b></>;
if (view[0] !== F) throw new Error('wrong factory');
