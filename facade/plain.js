// What crosses to the native side: JSON, and nothing else.

/**
 * Copies a value as JSON does, and leaves out what JSON cannot carry: functions, and references back to an ancestor.
 * A workspace as the CLI has loaded it holds both, in parts that are not ours.
 */
export function plain(value) {
	const ancestors = [];
	const text = JSON.stringify(value, function (_key, item) {
		if (typeof item === 'bigint') return Number(item);
		if (typeof item !== 'object' || item === null) return item;
		while (ancestors.length > 0 && ancestors.at(-1) !== this) ancestors.pop();
		if (ancestors.includes(item)) return undefined;
		ancestors.push(item);
		return item;
	});
	return text === undefined ? null : JSON.parse(text);
}

/**
 * Copies an object of ours whose unknown fields are errors: a function where none belongs must not just vanish.
 *
 * It becomes an empty object, which no field takes.
 */
export function plainFields(value) {
	if (typeof value !== 'object' || value === null) return plain(value);
	const entries = Object.entries(value).map(([name, item]) => [name, typeof item === 'function' ? {} : item]);
	return plain(Object.fromEntries(entries));
}
