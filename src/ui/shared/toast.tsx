import { createContext, type ComponentChildren } from 'preact';
import { useCallback, useContext, useEffect, useState } from 'preact/hooks';

interface Toast {
  readonly text: string;
  /** The button of the message. */
  readonly action?: { readonly title: string; readonly run: () => void };
}

/** Long enough to read the message and to reach its button with the keyboard. */
const SHOWN_MS = 12_000;

const ToastContext = createContext<(toast: Toast) => void>(() => undefined);

/** Shows a message at the bottom of the page, with a button where something can be undone. */
export function useToast(): (toast: Toast) => void {
  return useContext(ToastContext);
}

export function ToastProvider({ children }: { readonly children: ComponentChildren }) {
  const [toast, setToast] = useState<Toast | null>(null);
  const hide = useCallback(() => {
    setToast(null);
  }, []);
  return (
    <ToastContext.Provider value={setToast}>
      {children}
      <div class="toasts" role="status">
        {toast === null ? null : <ToastBox toast={toast} onClose={hide} />}
      </div>
    </ToastContext.Provider>
  );
}

/** True for Ctrl+Z outside of text fields. In a field it undoes typing. */
function isUndo({ key, ctrlKey, metaKey, target }: KeyboardEvent): boolean {
  const types = target instanceof Element && target.closest('input, textarea') !== null;
  return key.toLowerCase() === 'z' && (ctrlKey || metaKey) && !types;
}

function ToastBox({ toast, onClose }: { readonly toast: Toast; readonly onClose: () => void }) {
  const { text, action } = toast;
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return undefined;
    const timer = setTimeout(onClose, SHOWN_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [toast, held, onClose]);
  const act = useCallback((): void => {
    onClose();
    action?.run();
  }, [action, onClose]);
  useEffect(() => {
    if (action === undefined) return undefined;
    const onKeyDown = (event: KeyboardEvent): void => {
      if (!isUndo(event)) return;
      event.preventDefault();
      act();
    };
    window.addEventListener('keydown', onKeyDown);
    return () => {
      window.removeEventListener('keydown', onKeyDown);
    };
  }, [action, act]);
  const hold = (): void => {
    setHeld(true);
  };
  const release = (): void => {
    setHeld(false);
  };
  return (
    <div class="toast" onMouseEnter={hold} onMouseLeave={release} onFocusIn={hold} onFocusOut={release}>
      <span>{text}</span>
      {action === undefined ? null : (
        <button type="button" aria-keyshortcuts="Control+Z" onClick={act}>
          {action.title} <kbd aria-hidden="true">Ctrl+Z</kbd>
        </button>
      )}
      <button type="button" class="quiet" onClick={onClose} aria-label="Close message">
        ✕
      </button>
    </div>
  );
}
