/** Where letters are sent on to, and who agreed to that. */

import { useEffect, useState } from "preact/hooks";
import { guarded, tell } from "../store";
import { Icon } from "../views/icon";
import { Card, Field, Switch } from "./parts";
import { ByHand } from "./sieve";
import { addresses, changeAddress, load, rules, save } from "./rules.model";
import type { Address } from "./rules.model";
import { say } from "./rules.text";
import { say as common } from "./text";

export function ForwardingPage() {
  useEffect(() => void guarded(load), []);
  const now = rules.value;
  const [fault, setFault] = useState("");
  const [email, setEmail] = useState("");
  if (now === null) return <p class="waiting">{common("loading")}</p>;
  const add = async () => {
    const refused = await changeAddress({ create: { one: { email } } });
    setFault(refused);
    if (refused) return;
    tell(say("addresses.sent", { address: email }));
    setEmail("");
  };
  return (
    <>
      <Card id="addresses" title={say("addresses")} hint={say("addresses.about")}>
        <ul class="things">
          {addresses.value.map((one) => (
            <AddressRow key={one.id} one={one} />
          ))}
        </ul>
        <form
          class="inline"
          onSubmit={(event) => {
            event.preventDefault();
            void add();
          }}
        >
          <Field label={say("addresses.new")}>
            <input type="email" required value={email} autocomplete="off" onInput={(event) => setEmail(event.currentTarget.value)} />
          </Field>
          <button>{say("addresses.add")}</button>
        </form>
        <p class="fault" role="alert">
          {fault}
        </p>
      </Card>
      {now.byHand ? <ByHand /> : <All />}
    </>
  );
}

function AddressRow({ one }: { one: Address }) {
  const [code, setCode] = useState("");
  const [fault, setFault] = useState("");
  const change = (args: Record<string, unknown>, told: string) =>
    void changeAddress(args).then((refused) => {
      setFault(refused);
      if (!refused && told) tell(told);
    });
  return (
    <li>
      <div class="thing">
        <strong>{one.email}</strong>
        <small class={one.confirmedAt ? "good" : ""}>{say(one.confirmedAt ? "addresses.confirmed" : "addresses.waiting")}</small>
      </div>
      {!one.confirmedAt && (
        <form
          class="inline"
          onSubmit={(event) => {
            event.preventDefault();
            change({ update: { [one.id]: { code } } }, "");
          }}
        >
          <input
            class="code short"
            inputMode="numeric"
            required
            maxLength={20}
            aria-label={say("addresses.code", { address: one.email })}
            placeholder="0000 0000"
            value={code}
            onInput={(event) => setCode(event.currentTarget.value)}
          />
          <button class="main">{common("confirm")}</button>
          <button type="button" onClick={() => change({ update: { [one.id]: { code: "" } } }, say("addresses.sent", { address: one.email }))}>
            {say("addresses.again")}
          </button>
        </form>
      )}
      <button class="plain" aria-label={say("addresses.remove", { address: one.email })} onClick={() => change({ destroy: [one.id] }, "")}>
        <Icon name="trash" />
      </button>
      {fault && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
    </li>
  );
}

function All() {
  const now = rules.value!.forwarding;
  const chosen = now?.addresses ?? [];
  const good = [...new Set([...addresses.value.filter((one) => one.confirmedAt).map((one) => one.email), ...chosen])];
  const set = (list: string[], keep: boolean) => void save({ forwarding: list.length > 0 ? { addresses: list, keep } : null });
  return (
    <Card id="all" title={say("forwarding.all")} hint={good.length === 0 ? say("forwarding.all.hint") : ""}>
      {good.map((address) => (
        <Switch
          key={address}
          label={say("addresses.use", { address })}
          on={chosen.includes(address)}
          change={(on) => set(on ? [...chosen, address] : chosen.filter((one) => one !== address), now?.keep ?? true)}
        />
      ))}
      {chosen.length > 0 && <Switch label={say("forwarding.keep")} hint={say("forwarding.lose")} on={now!.keep} change={(keep) => set(chosen, keep)} />}
    </Card>
  );
}
