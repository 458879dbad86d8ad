"""What whoever follows live objects is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadsman.errors import KubeError
    from leadsman.kube.discovery import ApiResource
    from leadsman.kube.objects import ObjectMeta
    from leadsman.live.scope import Scope
    from leadsman.model.identity import ObjectKey
    from leadsman.model.json import JsonObject


class Listener(Protocol):
    """Who is told what happens; called on the event loop, and must neither wait nor raise.

    A kind that is watched in several versions is told of once for each: ``resource`` says which.
    """

    def wanted(self, key: ObjectKey, meta: ObjectMeta, /) -> bool:
        """Tell from an object's metadata whether ``observed`` shall be called with all of it."""

    def observed(
        self, resource: ApiResource, key: ObjectKey, meta: ObjectMeta, obj: JsonObject, /
    ) -> None:
        """Take an object that is there.

        Where nothing but the status has changed since the last call for it, ``moved`` is called.
        """

    def moved(self, resource: ApiResource, key: ObjectKey, meta: ObjectMeta, /) -> None:
        """Take note that an object has another resourceVersion, and nothing but a status with it.

        What was said of it at the former one holds.
        """

    def deleted(self, resource: ApiResource, key: ObjectKey, meta: ObjectMeta, /) -> None:
        """Take note that an object, wanted or not, is gone."""

    def relisted(self, resource: ApiResource, is_seen: Callable[[ObjectKey], bool], /) -> None:
        """Take note that all objects of the kind have been observed.

        ``is_seen`` tells of any key of the kind, wanted or not, whether its object was there
        when the list was taken (of keys in namespaces that are not watched it says yes). Do not
        keep it. An object that was made after the list was taken follows with ``observed``.
        """

    def failed(self, resource: ApiResource, error: KubeError, scope: Scope, /) -> None:
        """Take note that for now nothing is known of the kind in some namespaces, and why."""

    def recovered(self, resource: ApiResource, scope: Scope, /) -> None:
        """Take note that what failed goes well again in these namespaces, or in all.

        Unless the failure was a lost connection, everything has been listed and observed anew
        just before, as if it were for the first time.
        """
