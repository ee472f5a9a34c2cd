/** A dialog over the page: a title, a way out, and what it is about. */

import * as Dialog from "@radix-ui/react-dialog";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { focusDialog, useReturnedFocus } from "@/lib/focus";
import { IconButton } from "./Button";
import { HoldsKeyboard } from "./HoldsKeyboard";
import styles from "./Modal.module.css";

interface Props {
  title: string;
  /** For what stands in columns. */
  wide?: boolean;
  onClose(): void;
  children: ReactNode;
}

export function Modal({ title, wide = false, onClose, children }: Props) {
  const { remember, onCloseAutoFocus } = useReturnedFocus();
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className={styles.shade} />
        <Dialog.Content
          className={styles.dialog}
          data-wide={wide || undefined}
          aria-describedby={undefined}
          onOpenAutoFocus={(event) => {
            remember();
            focusDialog(event);
          }}
          onCloseAutoFocus={onCloseAutoFocus}
        >
          <HoldsKeyboard />
          <header className={styles.head}>
            <Dialog.Title>{title}</Dialog.Title>
            <Dialog.Close asChild>
              <IconButton label="Close">
                <X aria-hidden />
              </IconButton>
            </Dialog.Close>
          </header>
          {children}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
