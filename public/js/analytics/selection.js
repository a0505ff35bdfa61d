/** The selection of days and source. */

import { useNarrow } from "../ui/components.js";
import { addDays } from "../ui/format.js";
import { labels } from "../ui/labels.js";
import { managerLabels } from "../ui/labels-managers.js";
import { html, useEffect, useRef } from "../ui/view.js";

const words = managerLabels.analytics;
/** First and last day of each span, counted from today. */
const SPANS = { last4: [-28, -1], last13: [-91, -1], last52: [-364, -1], next4: [0, 27] };

/**
 * @param {{today?: string, from?: string, to?: string, source: string,
 *   onDays: (from: string, to: string) => void, onSource: (source: string) => void}} props `today`,
 *   `from` and `to` are unknown before the first answer. The source is empty for all.
 */
export function Selection({ today, from, to, source, onDays, onSource }) {
  const isNarrow = useNarrow();
  const form = useRef(null);

  // Not properties of the inputs: a render would replace what the person is entering.
  useEffect(() => {
    form.current.elements.from.value = from ?? "";
    form.current.elements.to.value = to ?? "";
  }, [from, to]);

  function submit(event) {
    event.preventDefault();
    onDays(form.current.elements.from.value, form.current.elements.to.value);
  }

  const spans = Object.entries(SPANS).map(([name, offsets]) => {
    const [first, last] = today ? offsets.map((days) => addDays(today, days)) : [];
    return html`<${Chip} key=${name} name="span" text=${words.spans[name]} isChecked=${today && first === from && last === to}
      onSelect=${() => onDays(first, last)} />`;
  });
  const sources = [["", words.allSources], ...Object.entries(labels.sources)].map(([value, text]) => html`
    <${Chip} key=${value} name="source" text=${text} isChecked=${value === source} onSelect=${() => onSource(value)} />`);
  return html`
    <form class="choice" ref=${form} onSubmit=${submit}>
      <fieldset class="chips" disabled=${!today}><legend class="visually-hidden">${words.days}</legend>${spans}</fieldset>
      <fieldset class="chips"><legend class="visually-hidden">${words.source}</legend>${sources}</fieldset>
      <details class="folded" open=${!isNarrow}>
        <summary>${words.otherDays}</summary>
        <div class="row">
          <label>${words.from}<input type="date" name="from" required /></label>
          <label>${words.to}<input type="date" name="to" required /></label>
          <button>${words.show}</button>
        </div>
      </details>
    </form>`;
}

function Chip({ name, text, isChecked, onSelect }) {
  return html`<label class="chip"><input type="radio" name=${name} checked=${Boolean(isChecked)} onChange=${onSelect} /><span>${text}</span></label>`;
}
