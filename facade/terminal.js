// Text for terminals: colours where they are wanted, and how wide a text is.

/** What takes two columns: East Asian wide letters and emoji. */
const WIDE =
	/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** What takes none: marks that belong to the letter before, and joiners. */
const NARROW = /\p{M}|\p{Cf}/u;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const SEQUENCE = /\x1b\[[0-?]*[ -/]*[@-~]/g;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\x00-\x1f\x7f-\x9f]/g;

/** Whether a stream shows colours: a terminal that has them, unless the user said otherwise (no-color.org). */
export function hasColors(stream, env = process.env) {
	if (env.NO_COLOR) return false;
	if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0';
	return stream.isTTY === true && (stream.hasColors?.() ?? true);
}

/** Functions that colour a text, or leave it as it is. */
export function painter(colored) {
	const paint = (code) => (text) => (colored ? `\x1b[${code}m${text}\x1b[0m` : String(text));
	return {
		bold: paint('1'),
		dim: paint('2'),
		red: paint('31'),
		green: paint('32'),
		yellow: paint('33'),
		cyan: paint('36'),
	};
}

/** One line of a text, without what would move the cursor or change the terminal. */
export function plainLine(text) {
	const [line = ''] = String(text).split('\n');
	return line.replace(SEQUENCE, '').replace(CONTROL, ' ').trimEnd();
}

/** How many columns a text takes; colours take none. */
export function width(text) {
	let columns = 0;
	for (const letter of String(text).replace(SEQUENCE, '')) columns += widthOf(letter);
	return columns;
}

function widthOf(letter) {
	if (NARROW.test(letter)) return 0;
	return WIDE.test(letter) ? 2 : 1;
}

/** A text without colours, cut to so many columns. */
export function fit(text, columns) {
	if (width(text) <= columns) return text;
	let kept = '';
	let used = 0;
	for (const letter of text) {
		used += widthOf(letter);
		if (used > columns - 1) break;
		kept += letter;
	}
	return columns > 0 ? `${kept}…` : '';
}

/** Fills a cell up to a width. */
export function pad(text, columns) {
	return `${text}${' '.repeat(Math.max(0, columns - width(text)))}`;
}

/** A time as people read it: `0.3 s`, `12.4 s`, `3 min 05 s`. */
export function duration(millis) {
	const seconds = millis / 1000;
	if (seconds < 60) return `${seconds.toFixed(1)} s`;
	const whole = Math.round(seconds);
	return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}
