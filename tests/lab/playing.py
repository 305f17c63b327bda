"""Sessions that train, without the page."""

import asyncio

from glassnet.lab.session import Session


def played(act, session=None, speed=0):
    """The session after something that trains has come to its end."""
    session = session or Session()

    async def run():
        session.player.speed = speed
        act(session)
        async with asyncio.timeout(30):
            while session.playing:
                await asyncio.sleep(0.001)

    asyncio.run(run())
    return session


def there(session):
    position = session.position
    return position.epoch, position.batch, position.phase
