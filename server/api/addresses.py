"""How the outside calls this server, for links in answers."""

from starlette.requests import HTTPConnection

from server.api.services import services_of


def base_of(connection: HTTPConnection) -> str:
    """``https://clinic.example/tingqing``, without a final slash: as the operator says, else as this request came."""
    url = connection.url
    return services_of(connection).public_url or f"{url.scheme}://{url.netloc}{connection.scope.get('root_path', '')}"


def socket_base_of(connection: HTTPConnection) -> str:
    """The same for sockets: ``wss://…``."""
    return base_of(connection).replace("http", "ws", 1)
