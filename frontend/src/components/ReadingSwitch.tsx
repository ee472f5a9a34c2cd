/** Which run a panel shows, where there are two. */

import { Segmented } from "@/components/Segmented";
import { useSession } from "@/state/session";

const OPTIONS = [
  { value: "unedited", label: "Unedited" },
  { value: "edited", label: "Edited" },
  { value: "difference", label: "Difference" },
] as const;

export function ReadingSwitch({ label }: { label: string }) {
  const reading = useSession((state) => state.reading);
  return (
    <Segmented
      label={label}
      value={reading}
      options={OPTIONS}
      onChange={useSession.getState().setReading}
    />
  );
}
