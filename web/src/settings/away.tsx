/** The answer of who is away (VacationResponse). */

import { useEffect, useState } from "preact/hooks";
import { refuse } from "../jmap";
import { client, guarded, identities, jmap, tell } from "../store";
import { formatMoment } from "../text";
import { Card, Field, Switch } from "./parts";
import { say } from "./rules.text";
import { say as common } from "./text";

interface Vacation {
  isEnabled: boolean;
  fromDate: string | null;
  toDate: string | null;
  subject: string | null;
  textBody: string | null;
  htmlBody: string | null;
}

/** As a field of the page has it, in this device's time. */
function local(iso: string | null): string {
  if (!iso) return "";
  const date = new Date(iso);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function utc(text: string): string | null {
  return text ? new Date(text).toISOString().replace(/\.\d+Z$/, "Z") : null;
}

export function Away() {
  const [kept, setKept] = useState<Vacation | null>(null);
  const [now, setNow] = useState<Vacation | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    void guarded(async () => {
      const found = (await jmap().call([["VacationResponse/get", { ids: ["singleton"] }, "v"]]))["v"].list[0] as Vacation;
      setKept(found);
      setNow(found);
    });
  }, []);
  if (now === null || kept === null) return <p class="waiting">{common("loading")}</p>;
  const edit = (changes: Partial<Vacation>) => setNow({ ...now, ...changes });
  const keep = (next: Vacation) => {
    setBusy(true);
    const { isEnabled, fromDate, toDate, subject, textBody } = next;
    void guarded(async () => {
      const patch = { isEnabled, fromDate, toDate, subject: subject || null, textBody: textBody || say("away.placeholder"), htmlBody: null };
      const found = (await jmap().call([["VacationResponse/set", { update: { singleton: patch } }, "s"]]))["s"];
      refuse(found);
      setKept(next);
      setNow({ ...next, textBody: patch.textBody });
      tell(common("saved"));
    }).finally(() => setBusy(false));
  };
  const wrongOrder = !!now.fromDate && !!now.toDate && now.toDate <= now.fromDate;
  const me = identities.value[0];
  return (
    <Card id="away" title={say("away")} hint={say("away.hint")}>
      <p class="state" role="status">
        {state(kept)}
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!wrongOrder) keep(now);
        }}
      >
        <Switch label={say("away.on")} on={now.isEnabled} change={(isEnabled) => edit({ isEnabled })} />
        <div class="fields">
          <Field label={say("away.from")}>
            <input type="datetime-local" value={local(now.fromDate)} onInput={(event) => edit({ fromDate: utc(event.currentTarget.value) })} />
          </Field>
          <Field label={say("away.to")}>
            <input type="datetime-local" value={local(now.toDate)} onInput={(event) => edit({ toDate: utc(event.currentTarget.value) })} />
          </Field>
        </div>
        <p class="fault" role="alert">
          {wrongOrder && say("away.order")}
        </p>
        <Field label={say("away.subject")}>
          <input value={now.subject ?? ""} maxLength={300} onInput={(event) => edit({ subject: event.currentTarget.value })} />
        </Field>
        <Field label={say("away.text")}>
          <textarea rows={6} maxLength={20_000} value={now.textBody ?? ""} placeholder={say("away.placeholder")} onInput={(event) => edit({ textBody: event.currentTarget.value })} />
        </Field>
        <section class="preview-of" aria-label={say("away.preview")}>
          <h3>{say("away.preview")}</h3>
          <dl>
            <dt>{say("away.preview.from")}</dt>
            <dd>
              {me?.name} &lt;{client.value?.address}&gt;
            </dd>
            <dt>{say("away.preview.subject")}</dt>
            <dd>{now.subject || say("away.preview.default")}</dd>
          </dl>
          <p class="plain-text">{now.textBody || say("away.placeholder")}</p>
        </section>
        <div class="actions">
          <button class="main" aria-disabled={busy}>
            {common("save")}
          </button>
        </div>
      </form>
    </Card>
  );
}

function state(one: Vacation): string {
  const now = new Date().toISOString();
  if (!one.isEnabled) return say("away.state.off");
  if (one.toDate && one.toDate < now) return say("away.state.over", { when: formatMoment(one.toDate) });
  if (one.fromDate && one.fromDate > now) return say("away.state.later", { when: formatMoment(one.fromDate) });
  return say("away.state.on");
}
