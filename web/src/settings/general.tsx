import { signal } from "@preact/signals";
import type { Id } from "../jmap";
import { told } from "../notify";
import { keepHere, kept } from "../offline";
import { settings } from "../preferences";
import type { Settings } from "../preferences";
import { remember } from "../reading/remembered";
import { choose, client, guarded } from "../store";
import { Card, Choice, Row, Select, Switch } from "./parts";
import { say } from "./text";

const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
const zones = Intl.supportedValuesOf("timeZone");

/** "default", "granted" or "denied", as the browser says for this device. */
const permission = signal(typeof Notification === "undefined" ? "denied" : Notification.permission);

function set(changes: Partial<Settings>): void {
  void choose(changes);
}

export function General() {
  const now = settings.value;
  return (
    <>
      <p class="about">{say("general.everywhere")}</p>
      <Card id="look" title={say("general.look")}>
        <Choice
          id="language"
          label={say("general.language")}
          hint={say("general.language.hint")}
          value={now.language}
          options={[["", say("general.language.auto")], ["zh", "中文"], ["en", "English"]]}
          change={(language) => set({ language })}
        />
        <Choice
          id="theme"
          label={say("general.theme")}
          value={now.theme}
          options={[["auto", say("general.theme.auto")], ["light", say("general.theme.light")], ["dark", say("general.theme.dark")]]}
          change={(theme) => set({ theme })}
        />
        <Choice
          id="density"
          label={say("general.density")}
          value={now.density}
          options={[["comfortable", say("general.density.comfortable")], ["compact", say("general.density.compact")]]}
          change={(density) => set({ density })}
        />
        <Select
          id="zone"
          label={say("general.zone")}
          value={now.timeZone}
          options={[["", say("general.zone.auto", { zone: here })], ...zones.map((zone) => [zone, zone.replaceAll("_", " ")] as const)]}
          change={(timeZone) => set({ timeZone })}
        />
      </Card>
      <Card id="mail" title={say("general.mail")}>
        <Switch
          id="conversations"
          label={say("general.conversations")}
          hint={say("general.conversations.hint")}
          on={now.conversations}
          change={(conversations) => set({ conversations })}
        />
        <Select
          id="undo"
          label={say("general.undo")}
          hint={say("general.undo.hint")}
          value={String(now.undoSeconds)}
          options={[0, 5, 10, 15, 20, 30].map((seconds) => [String(seconds), seconds ? say("general.undo.seconds", { seconds }) : say("general.undo.off")] as const)}
          change={(seconds) => set({ undoSeconds: Number(seconds) })}
        />
        <Switch
          id="offline"
          label={say("general.offline")}
          hint={say("general.offline.hint")}
          on={kept.value}
          change={(wanted) => void keepHere(wanted)}
        />
        <Select
          id="notify"
          label={say("general.notify")}
          hint={say("general.notify.hint")}
          value={now.notifications}
          options={(["off", "inbox", "all"] as const).map((one) => [one, say(`general.notify.${one}`)] as const)}
          change={(one) => {
            set({ notifications: one as Settings["notifications"] });
            if (one !== "off" && permission.value === "default") allow();
          }}
        />
        {now.notifications !== "off" && client.value?.shares && (
          <fieldset class="line whose">
            <legend class="what">
              {say("general.notify.whose")} <small>{say("general.notify.whose.hint")}</small>
            </legend>
            <div>
              {client.value.withMail.map(([id, { name }]) => (
                <label key={id} class="check">
                  <input type="checkbox" checked={told(client.value!, id)} onChange={(event) => tellOf(id, event.currentTarget.checked)} />
                  {name}
                </label>
              ))}
            </div>
          </fieldset>
        )}
        {now.notifications !== "off" && permission.value === "default" && (
          <Row label="">
            <button onClick={allow}>{say("general.notify.allow")}</button>
          </Row>
        )}
        {now.notifications !== "off" && permission.value === "denied" && <p class="hint">{say("general.notify.denied")}</p>}
      </Card>
    </>
  );
}

function tellOf(account: Id, on: boolean): void {
  void guarded(() => remember(client.value!, `notify:${account}`, { on }));
}

function allow(): void {
  void Notification.requestPermission().then((answer) => (permission.value = answer));
}
