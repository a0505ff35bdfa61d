/** The view library: Preact with htm templates. index.html loads both before any module. */

const { h, Fragment, render } = globalThis.preact;
const { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } = globalThis.preactHooks;

/** Build a virtual DOM tree: html`<p class=${name}>${text}</p>`. Text is never parsed as markup. */
export const html = globalThis.htm.bind(h);

export { Fragment, render, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState };
