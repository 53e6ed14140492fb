"""What Colab has and other machines lack: after ``pretend()``, imports of google.colab work, and do nothing."""

import importlib.abc
import importlib.machinery
import sys
import types

__all__ = ["pretend"]


class Nothing:
    """Whatever is done with it, nothing happens, and more of it comes out."""

    def __call__(self, *args, **kwargs):
        return self

    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key):
        raise KeyError(key)

    def __iter__(self):
        return iter(())

    def __len__(self):
        return 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False

    def __repr__(self):
        return "nothing (this is not Colab)"


class Empty(types.ModuleType):
    """A module that has every name."""

    __path__ = ()
    __all__ = ()

    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return Nothing()


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name == "google.colab" or name.startswith("google.colab."):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        if name == "google":  # asked last: only if there is no other
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return Empty(spec.name) if spec.name != "google" else types.ModuleType("google")

    def exec_module(self, module):
        pass


def pretend() -> None:
    sys.meta_path.append(Finder())
