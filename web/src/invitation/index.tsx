/** The invitations that a letter carries, each as a card: what, when, where, who, and buttons to answer.  Loaded when a letter has one. */

import { useEffect, useState } from "preact/hooks";
import type { Email } from "../jmap";
import { explain } from "../store";
import { Card } from "./card";
import { eventsOf } from "./event";
import type { Found } from "./event";
import { say } from "./text";
import { say as basic } from "../text";
import "./invitation.css";

/** Of more events the file tells. */
const SHOWN_MAX = 3;

export default function Invitation({ email }: { email: Email }) {
  const [found, setFound] = useState<Found[] | null>(null);
  const [fault, setFault] = useState("");
  const load = () => {
    setFault("");
    eventsOf(email).then(setFound, (error: unknown) => setFault(explain(error)));
  };
  useEffect(load, [email.id]);
  if (fault) {
    return (
      <p class="hint pictures" role="alert">
        {say("failed")} {fault} <button onClick={load}>{basic("act.again")}</button>
      </p>
    );
  }
  if (found === null) {
    return (
      <p class="hint" role="status">
        {say("loading")}
      </p>
    );
  }
  return (
    <>
      {found.slice(0, SHOWN_MAX).map((one) => (
        <Card key={one.blobId + one.event.uid + (one.event.recurrenceId ?? "")} email={email} found={one} />
      ))}
      {found.length > SHOWN_MAX && <p class="hint">{say("more", { count: found.length - SHOWN_MAX })}</p>}
    </>
  );
}
